package acme.shop;

/** What an order costs. */
record Price(long order, double amount) {
    Price {
        if (amount < 0) {
            throw new IllegalArgumentException("order " + order + " has the negative amount " + amount);
        }
    }

    double doubled() {
        return amount * 2;
    }
}
