package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;

/// A program that attaches PASIDs, says when half of them are, and goes on until it is killed.
final class AttachForever {
  /// What it prints when half of the PASIDs are attached.
  static final String HALFWAY = "halfway";

  private AttachForever() {}

  public static void main(String[] arguments) {
    try (IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
        BoundDevice device = iommufd.bind(PassedThroughFunctionTest.ADDRESS)) {
      HwptId hwpt =
          iommufd.hwptAlloc(
              HwptRequest.paging(device.id(), iommufd.ioasAlloc()).with(HwptFlag.PASID));
      device.attach(hwpt);
      for (int number = 1; ; number = number % PassedThroughFunctionTest.PASIDS + 1) {
        device.attachPasid(new Pasid(number), hwpt);
        if (number == PassedThroughFunctionTest.PASIDS / 2) {
          System.out.println(HALFWAY);
        }
      }
    }
  }
}
