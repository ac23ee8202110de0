    public String eval(String text) {
        return text == null ? null : text.trim().toLowerCase();
    }