package org.apache.flink.api.java.typeutils;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.types.Row;

/** The type of rows. */
public class RowTypeInfo extends TypeInformation<Row> {
    private static final long serialVersionUID = 1L;

    private final TypeInformation<?>[] types;
    private final String[] names;

    /** Fields named {@code f0}, {@code f1} and so on. */
    public RowTypeInfo(TypeInformation<?>... types) {
        this(types, numbered(types.length));
    }

    /** Fields of these types and names. */
    public RowTypeInfo(TypeInformation<?>[] types, String[] names) {
        super(Row.class, text(types, names));
        this.types = types.clone();
        this.names = names.clone();
    }

    private static String[] numbered(int length) {
        String[] names = new String[length];
        for (int i = 0; i < length; i++) {
            names[i] = "f" + i;
        }
        return names;
    }

    private static String text(TypeInformation<?>[] types, String[] names) {
        if (types.length != names.length) {
            throw new IllegalArgumentException("a row of " + types.length + " types was given " + names.length + " names");
        }
        StringBuilder text = new StringBuilder("ROW<");
        for (int i = 0; i < types.length; i++) {
            text.append(i == 0 ? "`" : ", `").append(names[i].replace("`", "``")).append("` ").append(types[i].sqlType());
        }
        return text.append('>').toString();
    }

    /** Types of the fields. */
    public TypeInformation<?>[] getFieldTypes() {
        return types.clone();
    }

    /** Names of the fields. */
    public String[] getFieldNames() {
        return names.clone();
    }

    @Override
    public int getArity() {
        return types.length;
    }
}
