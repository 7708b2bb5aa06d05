"""Small seeded models in every supported format, and a float64 reference of their forward pass."""
