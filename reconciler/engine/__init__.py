"""The engine: it compares, orders and carries out, and knows no kind by name."""
