/// The library that a VMM embeds to give its guests virtual PASID capabilities.
@SuppressWarnings("module") // what it opens to guest-api is compiled later
module io.vpasid.vmm {
  requires static transitive org.jspecify;
  requires transitive io.vpasid.synth;

  exports io.vpasid.vmm;
  exports io.vpasid.vmm.frontend;
  exports io.vpasid.vmm.frontend.mailbox;
  exports io.vpasid.vmm.frontend.nested;
  exports io.vpasid.vmm.frontend.vtd;
  exports io.vpasid.vmm.iommufd;
  exports io.vpasid.vmm.iommufd.kernel to
      io.vpasid.guest;
  exports io.vpasid.vmm.iommufd.simulated;
  exports io.vpasid.vmm.linux;
  exports io.vpasid.vmm.linux.calls to
      io.vpasid.guest;
  exports io.vpasid.vmm.pasid;
  exports io.vpasid.vmm.vfio;

  uses io.vpasid.vmm.iommufd.IommufdBackendProvider;

  provides io.vpasid.vmm.iommufd.IommufdBackendProvider with
      io.vpasid.vmm.iommufd.kernel.KernelProvider,
      io.vpasid.vmm.iommufd.simulated.SimulatedProvider;
}
