import socketserver


def process(row):
    return row
