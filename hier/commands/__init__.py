"""The commands of the command line; ``hier/cli.py`` puts them together.

They hold no logic of their own: they read what was typed, call the engine, and write.
"""
