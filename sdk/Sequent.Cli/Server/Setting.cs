namespace Sequent.Cli.Server;

/// <summary>
/// Something the server can be told, on the command line (<c>--message-bytes</c>), by the environment (<c>SEQUENT_MESSAGE_BYTES</c>) or in
/// appsettings.json (<c>MessageBytes</c> in section <c>Sequent</c>), in this order of precedence.
/// </summary>
/// <param name="Name">Its name on the command line, without dashes.</param>
/// <param name="Description">For the help, with the default.</param>
/// <param name="Apply">Takes over one value. Throws a FormatException that names the value and the remedy.</param>
internal sealed record Setting(string Name, string Description, Action<ServerSetup, string> Apply)
{
    /// <summary>A single letter, or null.</summary>
    public string? Short { get; init; }

    /// <summary>May be given several times; in the environment the values are separated by commas.</summary>
    public bool IsList { get; init; }

    public string Option => $"--{Name}";

    public string Variable => $"SEQUENT_{Name.ToUpperInvariant().Replace('-', '_')}";

    public string Key => string.Concat(Name.Split('-').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}
