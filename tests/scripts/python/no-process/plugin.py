schema = "id BIGINT"
