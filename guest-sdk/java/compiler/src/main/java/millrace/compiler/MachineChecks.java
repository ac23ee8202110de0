package millrace.compiler;

import org.teavm.model.BasicBlock;
import org.teavm.model.ClassHolder;
import org.teavm.model.ClassHolderTransformer;
import org.teavm.model.ClassHolderTransformerContext;
import org.teavm.model.Instruction;
import org.teavm.model.MethodHolder;
import org.teavm.model.MethodReference;
import org.teavm.model.Program;
import org.teavm.model.ValueType;
import org.teavm.model.Variable;
import org.teavm.model.instructions.BinaryInstruction;
import org.teavm.model.instructions.BinaryOperation;
import org.teavm.model.instructions.ConstructArrayInstruction;
import org.teavm.model.instructions.IntegerConstantInstruction;
import org.teavm.model.instructions.InvocationType;
import org.teavm.model.instructions.InvokeInstruction;
import org.teavm.model.instructions.LongConstantInstruction;
import org.teavm.model.instructions.NumericOperandType;

/**
 * What Java checks and TeaVM's C does not: division by zero is an ArithmeticException, the smallest number divided by −1 is
 * itself, and arrays have no negative size.
 */
public final class MachineChecks implements ClassHolderTransformer {
    private static final String CHECKED = "millrace.runtime.Checked";

    @Override
    public void transformClass(ClassHolder cls, ClassHolderTransformerContext context) {
        if (cls.getName().equals(CHECKED)) {
            return;
        }
        for (MethodHolder method : cls.getMethods()) {
            if (method.getProgram() != null) {
                transform(method.getProgram());
            }
        }
    }

    private static void transform(Program program) {
        for (int i = 0; i < program.basicBlockCount(); i++) {
            BasicBlock block = program.basicBlockAt(i);
            for (Instruction instruction : block) {
                if (instruction instanceof BinaryInstruction) {
                    transform(program, (BinaryInstruction) instruction);
                } else if (instruction instanceof ConstructArrayInstruction) {
                    transform(program, (ConstructArrayInstruction) instruction);
                }
            }
        }
    }

    private static void transform(Program program, ConstructArrayInstruction construction) {
        if (isHarmlessConstant(program, construction.getSize(), 0)) {
            return;
        }
        InvokeInstruction call = new InvokeInstruction();
        call.setType(InvocationType.SPECIAL);
        call.setMethod(new MethodReference(CHECKED, "arraySize", ValueType.INTEGER, ValueType.INTEGER));
        call.setArguments(construction.getSize());
        call.setReceiver(program.createVariable());
        call.setLocation(construction.getLocation());
        construction.insertPrevious(call);
        construction.setSize(call.getReceiver());
    }

    private static void transform(Program program, BinaryInstruction division) {
        boolean remainder = division.getOperation() == BinaryOperation.MODULO;
        NumericOperandType operand = division.getOperandType();
        if (!remainder && division.getOperation() != BinaryOperation.DIVIDE
            || operand != NumericOperandType.INT && operand != NumericOperandType.LONG
            || isHarmlessConstant(program, division.getSecondOperand(), 1)) {
            return;
        }
        ValueType type = operand == NumericOperandType.INT ? ValueType.INTEGER : ValueType.LONG;
        InvokeInstruction call = new InvokeInstruction();
        call.setType(InvocationType.SPECIAL);
        call.setMethod(new MethodReference(CHECKED, remainder ? "remainder" : "divide", type, type, type));
        call.setArguments(division.getFirstOperand(), division.getSecondOperand());
        call.setReceiver(division.getReceiver());
        call.setLocation(division.getLocation());
        division.replace(call);
    }

    /** Whether a variable is a constant of at least `min`. Variables are assigned once here. */
    private static boolean isHarmlessConstant(Program program, Variable variable, long min) {
        for (int i = 0; i < program.basicBlockCount(); i++) {
            for (Instruction instruction : program.basicBlockAt(i)) {
                if (instruction instanceof IntegerConstantInstruction constant && constant.getReceiver() == variable) {
                    return constant.getConstant() >= min;
                }
                if (instruction instanceof LongConstantInstruction constant && constant.getReceiver() == variable) {
                    return constant.getConstant() >= min;
                }
            }
        }
        return false;
    }
}
