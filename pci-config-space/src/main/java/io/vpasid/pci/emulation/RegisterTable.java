package io.vpasid.pci.emulation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/// The registers of one capability, or of a header, that do more than show what was captured.
///
/// @param source where the specification has them
/// @param rows in order, each giving the registers that a particular function has
record RegisterTable(String source, List<Function<RegisterBlock, List<Register>>> rows) {

  static RegisterTable table(String source, Register... registers) {
    List<Register> fixed = List.of(registers);
    return new RegisterTable(source, List.of(_ -> fixed));
  }

  /// The table with registers that a function has `count` times, `stride` bytes apart.
  RegisterTable array(ToIntFunction<RegisterBlock> count, int stride, Register... registers) {
    return computed(block -> {
      List<Register> all = new ArrayList<>();
      for (int i = 0; i < count.applyAsInt(block); i++) {
        for (Register register : registers) {
          all.add(register.shifted(i * stride));
        }
      }
      return all;
    });
  }

  /// The table with registers whose place depends on the function.
  RegisterTable computed(Function<RegisterBlock, List<Register>> registers) {
    List<Function<RegisterBlock, List<Register>>> all = new ArrayList<>(rows);
    all.add(registers);
    return new RegisterTable(source, List.copyOf(all));
  }

  /// The registers that this function has.
  List<Register> registers(RegisterBlock block) {
    List<Register> all = new ArrayList<>();
    for (Function<RegisterBlock, List<Register>> row : rows) {
      for (Register register : row.apply(block)) {
        if (register.condition().holds(block)) {
          all.add(register);
        }
      }
    }
    return all;
  }
}
