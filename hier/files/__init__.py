"""Files: what people have becomes documents, and every part of a text knows its place in its file."""
