package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;

/// What a request comes to.
sealed interface Result {
  /// It is done.
  ///
  /// @param payload of the reply
  record Success(Payload payload) implements Result {}

  /// It is refused.
  ///
  /// @param errno what the client is told
  /// @param reason a sentence for the log
  record Failure(Errno errno, String reason) implements Result {}

  /// It is done, and there is nothing to say.
  Result NOTHING = new Success(Payload.Empty.INSTANCE);

  static Result of(Outcome outcome, Result success) {
    return switch (outcome) {
      case Outcome.Done _ -> success;
      case Outcome.Failed refused -> new Failure(refused.errno(), refused.reason());
    };
  }

  static Result invalid(String reason) {
    return new Failure(Errno.EINVAL, reason);
  }

  static Result badArgsz(long argsz, int length) {
    return invalid("argsz is " + argsz + ", less than the " + length + " needed.");
  }
}
