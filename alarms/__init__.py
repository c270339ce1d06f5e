"""The alarms of a coaching API, as data. Version 0.1.0 has nothing in it yet: only the place is taken."""
