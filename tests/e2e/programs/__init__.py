"""What runs in pods, where the tests are not importable: a folder of its own, as Python looks for modules there."""
