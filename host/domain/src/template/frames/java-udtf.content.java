    public void eval(String text) {
        if (text != null) {
            for (String word : text.split(" ")) {
                collect(word);
            }
        }
    }