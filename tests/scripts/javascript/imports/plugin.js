import fs from "fs";
export const process = (row) => row;
