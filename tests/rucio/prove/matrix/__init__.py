"""The failure matrix: each row is a tiny package, given to the static rules, to the proof, and to Rucio directly."""
