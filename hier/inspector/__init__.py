"""The inspector: a page that shows what a question and a budget make of a text."""
