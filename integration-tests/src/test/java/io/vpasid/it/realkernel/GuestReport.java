package io.vpasid.it.realkernel;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/// What the guest tells the host while it runs a test class: a stream of serialized objects.
///
/// Ids are JUnit's unique ids, which are the same on both sides.
sealed interface GuestReport extends Serializable {

  /// A dynamic test or container of them has been found while the tests run.
  record Found(String id, String parent, String name, boolean isTest) implements GuestReport {}

  /// A test or container has begun.
  record Started(String id) implements GuestReport {}

  /// A test or container is over.
  ///
  /// @param thrown why it failed or was aborted; null if it passed
  record Finished(String id, @Nullable Throwable thrown) implements GuestReport {}

  /// A test or container is left out.
  record Skipped(String id, String reason) implements GuestReport {}

  /// The class is over.
  ///
  /// @param thrown why JUnit itself gave up, null if it did not
  record Ended(@Nullable Throwable thrown) implements GuestReport {}
}
