package io.vpasid.it.contract;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;

/// What every iommufd does, whether it is simulated or a kernel's: Linux 7.3, request by request.
///
/// Tests that begin with `s`, `v` or `x` and a number are the scenarios of the reference with that
/// id: S from the iommufd selftests of the kernel, V from its VFIO selftests, X derived from its
/// sources. A scenario that this interface cannot express stands here too, and is skipped with the
/// reason; [RequestBytesTest] makes some of these with the bytes of a request.
///
/// What became of each is put into a table, see [ContractTable].
@ExtendWith(ContractTable.class)
abstract class IommufdContract {

  /// The machine to test, new for each test.
  abstract ContractRig rig();

  @Nested
  @DisplayName("scenarios of the kernel's iommufd selftests")
  class Selftests extends SelftestRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("scenarios of the kernel's VFIO selftests")
  class VfioSelftests extends VfioSelftestRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("scenarios derived from the kernel's sources")
  class Derived extends DerivedRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("binding and closing (3.2, 3.7)")
  class Binding extends BindingRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("attaching the function (3.3, 3.5, 3.6)")
  class OwnAttachment extends OwnAttachmentRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("attaching PASIDs (3.4, 3.5, 3.6)")
  class Pasids extends PasidRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("page tables (3.8)")
  class PageTables extends PageTableRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("destroying (3.11)")
  class Destroying extends DestroyingRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("memory (3.12)")
  class Memory extends MemoryRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("fault queues (3.13)")
  class Faults extends FaultRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("invalidation and virtual IOMMUs (3.14)")
  class VirtualIommus extends VirtualIommuRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }

  @Nested
  @DisplayName("reset (3.15)")
  class Reset extends ResetRows {
    @Override
    ContractRig rig() {
      return IommufdContract.this.rig();
    }
  }
}
