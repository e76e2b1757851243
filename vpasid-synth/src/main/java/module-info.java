/// Whether, where and how a function gets a virtual PASID capability.
@SuppressWarnings("module") // what it opens to guest-api is compiled later
module io.vpasid.synth {
  requires static transitive org.jspecify;
  requires transitive io.vpasid.pci;
  requires tools.jackson.databind;

  exports io.vpasid.synth;
  exports io.vpasid.synth.json to
      io.vpasid.guest;
  exports io.vpasid.synth.placement;
  exports io.vpasid.synth.preflight to
      io.vpasid.guest;
  exports io.vpasid.synth.quirk;
}
