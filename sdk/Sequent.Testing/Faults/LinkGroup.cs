namespace Sequent.Testing.Faults;

/// <summary>Connections that belong together, as those of one service do: they can be held, or be ended for good.</summary>
/// <param name="path">The path at which they connect.</param>
/// <param name="isOwn">They belong to the test bus itself, whose own work no fault of the wire shall hit.</param>
internal sealed class LinkGroup(string path, bool isOwn = false)
{
    private volatile bool _isDead;

    public string Path => path;

    public bool IsOwn => isOwn;

    /// <summary>Closed while everything is held, both ways.</summary>
    public Gate Gate { get; } = new();

    /// <summary>Whoever connected has died, so nothing may connect any more.</summary>
    public bool IsDead => _isDead;

    public void Die() => _isDead = true;
}
