export const schema = "id BIGINT";
