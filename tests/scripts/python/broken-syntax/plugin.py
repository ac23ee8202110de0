def process(row):
    return row +
