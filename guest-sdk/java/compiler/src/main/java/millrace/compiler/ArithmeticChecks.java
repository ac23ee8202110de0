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
import org.teavm.model.instructions.BinaryInstruction;
import org.teavm.model.instructions.BinaryOperation;
import org.teavm.model.instructions.IntegerConstantInstruction;
import org.teavm.model.instructions.InvocationType;
import org.teavm.model.instructions.InvokeInstruction;
import org.teavm.model.instructions.LongConstantInstruction;
import org.teavm.model.instructions.NumericOperandType;

/**
 * Division of integers as Java defines it: by zero an ArithmeticException, of the smallest number by −1 itself. In C both
 * are undefined.
 */
public final class ArithmeticChecks implements ClassHolderTransformer {
    private static final String CHECKED = "millrace.runtime.Division";

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
                }
            }
        }
    }

    private static void transform(Program program, BinaryInstruction division) {
        boolean remainder = division.getOperation() == BinaryOperation.MODULO;
        NumericOperandType operand = division.getOperandType();
        if (!remainder && division.getOperation() != BinaryOperation.DIVIDE
            || operand != NumericOperandType.INT && operand != NumericOperandType.LONG
            || isHarmlessConstant(program, division)) {
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

    /** Whether the divisor is a constant other than 0 and −1. Variables are assigned once here. */
    private static boolean isHarmlessConstant(Program program, BinaryInstruction division) {
        int divisor = division.getSecondOperand().getIndex();
        for (int i = 0; i < program.basicBlockCount(); i++) {
            for (Instruction instruction : program.basicBlockAt(i)) {
                if (instruction instanceof IntegerConstantInstruction constant && constant.getReceiver().getIndex() == divisor) {
                    return constant.getConstant() != 0 && constant.getConstant() != -1;
                }
                if (instruction instanceof LongConstantInstruction constant && constant.getReceiver().getIndex() == divisor) {
                    return constant.getConstant() != 0 && constant.getConstant() != -1;
                }
            }
        }
        return false;
    }
}
