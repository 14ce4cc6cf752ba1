Documents that people edit together sentence by sentence, share, and take changes back in: a name server, any number of storage servers, and the ``dfs`` client.  What is answered OK is durable.
