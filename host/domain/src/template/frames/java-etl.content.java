    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"id\": {\"type\": \"integer\"}, \"name\": {\"type\": \"string\"}}}";
    }

    @Override
    public List<Row> ETL(Row row) {
        Row out = new Row();
        out.set("id", row.get("id"));
        out.set("name", row.get("name"));
        return List.of(out);
    }