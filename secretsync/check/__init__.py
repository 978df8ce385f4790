"""Rules over a bundle: what Rucio would do with it, said before anything is touched."""
