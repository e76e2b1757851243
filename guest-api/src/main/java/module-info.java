/// Everything that talks to the outside: the vfio-user server, the control socket, the daemon, the
/// emulated guest, the command line.
module io.vpasid.guest {
  requires static transitive org.jspecify;
  requires transitive io.vpasid.vmm;
  requires info.picocli;
  requires io.netty.buffer;
  requires io.netty.codec;
  requires io.netty.common;
  requires io.netty.handler;
  requires io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires io.netty.transport.unix.common;
  requires java.logging;
  requires java.xml;
  requires jdk.net;
  requires jdk.unsupported;
  requires static transitive org.junit.jupiter.api;
  requires static org.junit.platform.commons;
  requires org.slf4j;
  requires tools.jackson.databind;

  exports io.vpasid.guest.device;
  exports io.vpasid.guest.emulator;
  exports io.vpasid.guest.iommu;
  exports io.vpasid.guest.scenario;
  exports io.vpasid.guest.scenario.junit;
  exports io.vpasid.guest.vfiouser;

  opens io.vpasid.guest.cli to
      info.picocli;
  opens io.vpasid.guest.cli.doctor to
      info.picocli,
      tools.jackson.databind;
  opens io.vpasid.guest.cli.option to
      info.picocli;
  opens io.vpasid.guest.cli.plan to
      info.picocli,
      tools.jackson.databind;
  opens io.vpasid.guest.cli.quirks to
      info.picocli,
      tools.jackson.databind;
  opens io.vpasid.guest.cli.run to
      info.picocli,
      tools.jackson.databind;
  opens io.vpasid.guest.cli.serve to
      info.picocli,
      tools.jackson.databind;
  opens io.vpasid.guest.cli.terminal to
      info.picocli;
  opens io.vpasid.guest.cli.vtd to
      info.picocli;
  opens io.vpasid.guest.control to
      tools.jackson.databind;
  opens io.vpasid.guest.daemon to
      tools.jackson.databind;
  opens io.vpasid.guest.config to
      info.picocli;
  opens io.vpasid.guest.report to
      tools.jackson.databind;
}
