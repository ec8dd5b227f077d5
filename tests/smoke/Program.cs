// What a stranger's first program does with the packages. build.cake copies it into a fresh console project outside the repository,
// which knows Sequent only from the packed files, and checks that the version it prints is the one that was packed.
using System.Reflection;
using Sequent.Protocol;

var assembly = typeof(WireNames).Assembly;
var version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
Console.WriteLine($"{assembly.GetName().Name} {version}");
