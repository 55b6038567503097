"""What measure_weights.py is made of."""
