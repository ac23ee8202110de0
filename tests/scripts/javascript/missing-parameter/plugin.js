import { params } from "millrace";
const min = params.number("min");
export const process = (row) => row;
