package io.vpasid.it.realkernel;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/// The tests of the class run inside a real Linux kernel, beside those of the host. The machine is
/// booted for the first such class and serves all of them that want its IOMMU, one after the other,
/// each in the state in which the one before left it.
///
/// The class is an ordinary one: its tests, and what it declares before and after them, run in the
/// machine; here each test only waits for its result and has it as its own. What differs:
///
/// - Constructors, field initializers and the sources of parameters run here as well, so they must
///   not need the machine. Conditions (`@EnabledIf…`) are asked here too; for what only the machine
///   knows, use an assumption.
/// - The class path, the JDK and the working directory are the host's, read-only. `java.io.tmpdir`
///   can be written.
/// - The test is root. The functions are [MachineFunctions], behind an Intel IOMMU in scalable mode
///   and bound to VFIO. `/dev/iommu` and debugfs are there.
/// - What the tests print is in `target/real-kernel/CLASS/console.log`, CLASS being the one that
///   the machine was booted for.
///
/// Needs what `real-kernel/prepare` makes. `mvn verify` skips these tests, `mvn verify
/// -Preal-kernel` runs them too.
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
@ExtendWith(GuestExecution.class)
public @interface InRealKernel {
  /// The tag of all tests that need the machine.
  String TAG = "real-kernel";

  /// How long the tests of the class may take, in seconds.
  int seconds() default 300;

  /// How many CPUs the machine has, if it is the first class.
  int cpus() default 2;

  /// The machine's IOMMU, and the functions behind it.
  GuestIommu iommu() default GuestIommu.QEMU;
}
