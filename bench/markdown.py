"""Markdown as the reports have it."""


def table(header, rows):
    """Cells are text."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))
