using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;

namespace Sequent.Cli.Server;

/// <summary>Finds the values of settings: the command line, then the environment, then appsettings.json of the folder one is in.</summary>
internal static class SettingSources
{
    private const string FileName = "appsettings.json";

    private const string Section = "Sequent";

    /// <summary>Collects all settings.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="options">The option of every setting.</param>
    /// <param name="faults">One line for every value that cannot be used: where it is from, what is wrong, the remedy.</param>
    public static ServerSetup Collect(ParseResult result, IReadOnlyList<(Setting Setting, Option<string[]> Option)> options, out IReadOnlyList<string> faults)
    {
        var setup = new ServerSetup();
        var found = new List<string>();
        var file = ReadFile(found);
        found.AddRange(file.GetSection(Section).GetChildren().Where(child => !options.Any(o => o.Setting.Key.Equals(child.Key, StringComparison.OrdinalIgnoreCase)))
            .Select(child => $"{FileName}, {Section}:{child.Key}: there is no such setting. sequent server --help lists them; --key-bytes is KeyBytes here."));
        foreach (var (setting, option) in options)
        {
            var (source, values) = Find(result, setting, option, file);
            if (values.Count > 1 && !setting.IsList)
                found.Add($"{source} is given {values.Count} times; give it once.");
            foreach (var value in values)
            {
                try
                {
                    setting.Apply(setup, value);
                    setup.Told.Add((setting, source, value));
                }
                catch (FormatException e)
                {
                    found.Add($"{source}: {e.Message}");
                }
            }
        }

        faults = found;
        return setup;
    }

    private static (string Source, IReadOnlyList<string> Values) Find(ParseResult result, Setting setting, Option<string[]> option, IConfiguration file)
    {
        if (result.GetResult(option) is OptionResult { Implicit: false } given)
            return (setting.Option, [.. given.Tokens.Select(token => token.Value)]);
        if (Environment.GetEnvironmentVariable(setting.Variable) is { Length: > 0 } variable)
            return (setting.Variable, setting.IsList ? variable.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [variable]);
        var value = file.GetSection($"{Section}:{setting.Key}");
        var source = $"{FileName}, {Section}:{setting.Key}";
        return value.Value is { } text ? (source, [text]) : (source, [.. value.GetChildren().Select(child => child.Value ?? "")]);
    }

    private static IConfiguration ReadFile(List<string> faults)
    {
        var path = Path.Combine(Directory.GetCurrentDirectory(), FileName);
        try
        {
            return new ConfigurationBuilder().AddJsonFile(path, optional: true).Build();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or JsonException or FormatException or UnauthorizedAccessException)
        {
            faults.Add($"{path}: it cannot be read: {e.InnerException?.Message ?? e.Message}");
            return new ConfigurationBuilder().Build();
        }
    }
}
