    public static class Accumulator {
        public long sum = 0;
    }

    @Override
    public Accumulator createAccumulator() {
        return new Accumulator();
    }

    @Override
    public Long getValue(Accumulator accumulator) {
        return accumulator.sum;
    }

    public void accumulate(Accumulator accumulator, Long value) {
        if (value != null) {
            accumulator.sum += value;
        }
    }

    public void retract(Accumulator accumulator, Long value) {
        if (value != null) {
            accumulator.sum -= value;
        }
    }