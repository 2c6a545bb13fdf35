"""Files: what people have becomes documents; a text knows its place in its file."""
