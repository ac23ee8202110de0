def process(row):
    while True:
        pass
