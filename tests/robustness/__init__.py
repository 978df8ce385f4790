"""Everything that goes wrong around a run, in numbers: `make robustness` makes docs/robustness.md of it."""
