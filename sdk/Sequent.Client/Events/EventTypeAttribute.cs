namespace Sequent.Client;

/// <summary>Gives a type the name under which its events are published and read. Without it the name of the type is used.</summary>
/// <param name="name">The name on the wire. Services share it, so it should never change.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class EventTypeAttribute(string name) : Attribute
{
    /// <summary>The name on the wire.</summary>
    public string Name { get; } = name;
}
