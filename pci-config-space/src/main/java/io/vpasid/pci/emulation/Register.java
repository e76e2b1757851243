package io.vpasid.pci.emulation;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// One register of a capability: its fields, and what masks cannot say about it.
///
/// @param offset in the capability
/// @param name as the specification has it
/// @param fields those that do more than show what was captured
/// @param condition whether a function has the register
/// @param rule what decides writes to the doubleword that it lies in, if anything does
/// @param resetWhen which writes to that doubleword reset the function, besides its
///   [Field.Attribute#RESET] fields
record Register(
    int offset,
    String name,
    List<Field> fields,
    Condition condition,
    @Nullable Function<RegisterBlock, WriteRule> rule,
    @Nullable Function<RegisterBlock, ResetCondition> resetWhen) {

  static Register register(int offset, String name, Field... fields) {
    return new Register(offset, name, List.of(fields), Conditions.ALWAYS, null, null);
  }

  /// The register, in functions that meet `condition`.
  Register when(Condition condition) {
    return new Register(offset, name, fields, this.condition.and(condition), rule, resetWhen);
  }

  Register rule(Function<RegisterBlock, WriteRule> rule) {
    return new Register(offset, name, fields, condition, rule, resetWhen);
  }

  Register resetWhen(Function<RegisterBlock, ResetCondition> resetWhen) {
    return new Register(offset, name, fields, condition, rule, resetWhen);
  }

  /// The register again, `distance` bytes further on.
  Register shifted(int distance) {
    return new Register(offset + distance, name, fields, condition, rule, resetWhen);
  }
}
