import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.constant.ClassDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/// Gives the classes of a jar that were compiled for Java 5, as picocli's are, the stack maps that
/// class files have since Java 6, and leaves everything else as it is. An AOT cache holds no class
/// without them, so picocli would be loaded and verified at each start, by a verifier of its own
/// that is slower.
///
/// `java StackMaps.java JAR` replaces the jar. The same jar gives the same bytes.
final class StackMaps {
  /// The first version whose class files have them, Java 6.
  private static final int FIRST_WITH = ClassFile.JAVA_6_VERSION;

  private StackMaps() {}

  public static void main(String[] arguments) throws IOException {
    Path jar = Path.of(arguments[0]);
    Path made = Path.of(arguments[0] + ".new");
    try (ZipFile from = new ZipFile(jar.toFile());
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(made))) {
      ClassFile context =
          ClassFile.of(
              StackMapsOption.GENERATE_STACK_MAPS,
              ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing((ClassDesc c) -> classFile(from, c))
                      .orElse(ClassHierarchyResolver.defaultResolver())));
      for (ZipEntry entry : Collections.list(from.entries())) {
        byte[] bytes = bytes(from, entry);
        if (entry.getName().endsWith(".class") && version(bytes) < FIRST_WITH) {
          bytes = withStackMaps(context, bytes);
        }
        put(to, entry, bytes);
      }
    }
    Files.move(made, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private static InputStream classFile(ZipFile jar, ClassDesc type) {
    String descriptor = type.descriptorString();
    ZipEntry entry = jar.getEntry(descriptor.substring(1, descriptor.length() - 1) + ".class");
    try {
      return entry == null ? null : jar.getInputStream(entry);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(ZipFile jar, ZipEntry entry) throws IOException {
    try (InputStream in = jar.getInputStream(entry)) {
      return in.readAllBytes();
    }
  }

  private static int version(byte[] classFile) {
    return (classFile[6] & 0xff) << 8 | classFile[7] & 0xff;
  }

  private static byte[] withStackMaps(ClassFile context, byte[] classFile) {
    return context.transformClass(
        context.parse(classFile),
        ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
            .andThen((to, element) -> {
              if (element instanceof ClassFileVersion) {
                to.withVersion(ClassFile.JAVA_8_VERSION, 0);
              } else {
                to.with(element);
              }
            }));
  }

  private static void put(ZipOutputStream to, ZipEntry entry, byte[] bytes) throws IOException {
    ZipEntry copy = new ZipEntry(entry);
    copy.setCompressedSize(-1);
    copy.setSize(bytes.length);
    CRC32 sum = new CRC32();
    sum.update(bytes);
    copy.setCrc(sum.getValue());
    if (entry.getMethod() == ZipEntry.STORED) {
      copy.setCompressedSize(bytes.length);
    }
    to.putNextEntry(copy);
    to.write(bytes);
    to.closeEntry();
  }
}
