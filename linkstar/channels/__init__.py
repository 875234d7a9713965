"""The ways out of the program: each delivers one notification, in its reader's language."""
