"""`python3 app.py bench`: how fast the whole program is, and how heavy its pages are."""
