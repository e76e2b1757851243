import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/// Gives the classes of a jar that are older than Java 6 a newer version, and the stack maps that
/// go with it. picocli's are from Java 5; the JVM keeps such classes out of its AOT cache, and
/// loads and verifies them anew at each start.
///
/// Takes the jar, which has to be on the class path too: what types have in common is looked up
/// there.
@SuppressWarnings("DefaultPackage") // It is no part of the program: `java` runs the file.
class StackMaps {
  public static void main(String[] arguments) throws IOException {
    Path jar = Path.of(arguments[0]);
    Path changed = Path.of(arguments[0] + ".new");
    try (ZipFile in = new ZipFile(jar.toFile());
        OutputStream file = Files.newOutputStream(changed);
        ZipOutputStream out = new ZipOutputStream(file)) {
      for (ZipEntry entry : Collections.list(in.entries())) {
        byte[] bytes = in.getInputStream(entry).readAllBytes();
        ZipEntry copy = new ZipEntry(entry.getName());
        copy.setTime(entry.getTime());
        out.putNextEntry(copy);
        out.write(entry.getName().endsWith(".class") ? withStackMaps(bytes) : bytes);
      }
    }
    Files.move(changed, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private static byte[] withStackMaps(byte[] bytes) {
    ClassFile format = ClassFile.of(StackMapsOption.GENERATE_STACK_MAPS);
    int version = bytes[6] << 8 | bytes[7];
    if (version >= ClassFile.JAVA_6_VERSION) {
      return bytes;
    }
    return format.transformClass(
        format.parse(bytes),
        (builder, element) -> {
          switch (element) {
            case ClassFileVersion _ -> builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
            // A method that is only copied gets no stack map.
            case MethodModel method ->
                builder.transformMethod(
                    method, MethodTransform.transformingCode(CodeBuilder::with));
            default -> builder.with(element);
          }
        });
  }
}
