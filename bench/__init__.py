"""
The measurements behind ``make bench``; see C{docs/benchmarks.rst}.

Decides what is measured and how.  Must not know how the servers do what they do: they are real
processes that are spoken to over the wire, with one exception that says so (L{bench.scale}).
"""
