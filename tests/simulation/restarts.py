"""
Clusters whose processes end and begin again.
"""

from __future__ import annotations

from tests.simulation.faults import MEMBERS, FaultCase


class RestartCase(FaultCase):
    """
    A pair with a few documents.
    """

    def setUp(self) -> None:
        super().setUp()
        self.fill()
        self.settle()

    def fill(self) -> None:
        """Some documents; each as large as what a slow line carries in half a second."""
        for number in range(20):
            self.put(f"{number}.txt", f"Text {number}. " * 1000)
        self.put("a.txt", "One.")
        self.said = ["One."]

    def say_more(self) -> None:
        """Somebody appends a word, and is told OK."""
        word = f" {len(self.said)}."
        self.get(self.alice.append("a.txt", word))
        self.said.append(word)

    def nothing_lost(self) -> None:
        """All that was acknowledged is the text, on both members."""
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "".join(self.said))
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [])
        self.assertEqual(self.read("19.txt"), "Text 19. " * 1000)

    def revive(self) -> None:
        """Whoever is down is started."""
        for name in MEMBERS:
            if name not in self.cluster.servers:
                self.cluster.start(name)
