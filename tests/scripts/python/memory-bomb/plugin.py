# Memory ends as an exception of the row; the next row works.
def process(row):
    if row.id == 1:
        everything = []
        while True:
            everything.append("x" * 100_000)
    return row
