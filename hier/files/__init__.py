"""Files: what people have becomes documents; a text knows its place in its file.

``reading`` reads one file by its kind, ``folder`` lists the files of a folder. Each other module
reads one kind: a pure function of a file's bytes and its name, so that two machines that read the
same file have the same document.
"""
