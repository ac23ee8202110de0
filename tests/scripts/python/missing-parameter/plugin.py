from millrace import params

limit = params.float("min")


def process(row):
    return row
