using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>
/// Reads the fields of one known object strictly: a known field comes at most once and has its type, unknown ones are skipped.
/// Of text that <see cref="StrictJson"/> has passed the reader itself cannot fail; of other text it throws what a <see cref="Utf8JsonReader"/> does.
/// </summary>
internal ref struct FieldReader
{
    /// <summary>A longer text is not kept for the next message, in characters.</summary>
    private const int MaxKept = 256;

    private readonly ReadOnlyMemory<byte> _utf8;
    private Utf8JsonReader _reader;
    private Places _parents;
    private int _depth;
    private string _field;
    private int _index = -1;

    public FieldReader(ReadOnlyMemory<byte> utf8)
    {
        _utf8 = utf8;
        _reader = new Utf8JsonReader(utf8.Span, new JsonReaderOptions { MaxDepth = WireNames.MaxDepth });
        _field = "";
        _reader.Read();
    }

    public readonly JsonTokenType Token => _reader.TokenType;

    /// <summary>Where the reader stands, as a JSON path.</summary>
    public readonly string Path
    {
        get
        {
            // Put together only when somebody has to be told.
            var path = new StringBuilder("$");
            for (var i = 0; i < _depth; i++)
                _parents[i].AppendTo(path);
            new Place(_depth, _field, _index).AppendTo(path);
            return path.ToString();
        }
    }

    /// <summary>Moves to the next field of the current object, or past its end.</summary>
    public bool NextField()
    {
        _reader.Read();
        return _reader.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Whether the current field has this name; if so moves to its value and notes that it was seen.</summary>
    public bool Is(ReadOnlySpan<byte> name, string text, ref ulong seen, int bit)
    {
        // Most names differ in their length, which is soon seen.
        if (_reader.ValueIsEscaped ? !_reader.ValueTextEquals(name) : !_reader.ValueSpan.SequenceEqual(name))
            return false;
        _field = text;
        if ((seen & (1UL << bit)) != 0)
            throw Fault("is given twice");
        seen |= 1UL << bit;
        _reader.Read();
        return true;
    }

    /// <summary>Past the end of the message's object nothing follows.</summary>
    /// <exception cref="JsonException">Something does.</exception>
    public void End() => _reader.Read();

    /// <summary>Skips an unknown field.</summary>
    public void SkipField()
    {
        _reader.Read();
        _reader.Skip();
    }

    public readonly ProtocolException Fault(string what) => new(ErrorCodes.InvalidMessage, $"{Path} {what}.", Path);

    public ProtocolException Missing(string field)
    {
        _field = field;
        return Fault("is missing");
    }

    /// <summary>Whether the value is this text.</summary>
    public readonly bool ValueIs(ReadOnlySpan<byte> text) => _reader.TokenType == JsonTokenType.String && _reader.ValueTextEquals(text);

    /// <summary>A text that is often the same as the last one, which then is returned again.</summary>
    public string String(ref string? last)
    {
        if (last is not null && _reader.TokenType == JsonTokenType.String && _reader.ValueTextEquals(last))
            return last;
        var text = String();
        if (text.Length <= MaxKept)
            last = text;
        return text;
    }

    public string String() => _reader.TokenType == JsonTokenType.String ? _reader.GetString()! : throw Fault("must be a string");

    public string? StringOrNull() => _reader.TokenType == JsonTokenType.Null ? null : String();

    /// <summary>A text of at most so many UTF-16 characters, or null.</summary>
    public string? Text(int maxLength) =>
        StringOrNull() is { } text && text.Length > maxLength ? throw Fault(string.Create(CultureInfo.InvariantCulture, $"may have at most {maxLength} characters")) : StringOrNull();

    public bool Boolean() => _reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Fault("must be true or false"),
    };

    /// <summary>A number without sign, fraction or exponent, as the original's integer fields demand.</summary>
    public long Integer(long min, long max)
    {
        if (_reader.TokenType == JsonTokenType.Number && PlainDigits(_reader.ValueSpan) && _reader.TryGetInt64(out var value) && value >= min && value <= max)
            return value;
        throw Fault(string.Create(CultureInfo.InvariantCulture, $"must be an integer from {min} to {max}"));
    }

    public uint UInt32() => (uint)Integer(0, uint.MaxValue);

    public uint? UInt32OrNull() => _reader.TokenType == JsonTokenType.Null ? null : UInt32();

    public Guid Uuid() => _reader.TokenType == JsonTokenType.String && _reader.TryGetGuid(out var id) ? id : throw Fault("must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057");

    /// <summary>A time as ISO 8601 text.</summary>
    public DateTimeOffset Time()
    {
        // What the bus prints, in a tenth of the time.
        if (_reader.TokenType == JsonTokenType.String && _reader.ValueSpan.EndsWith("Z"u8) && _reader.TryGetDateTimeOffset(out var utc))
            return utc;
        return DateTimeOffset.TryParse(String(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw Fault("must be an ISO 8601 time");
    }

    /// <summary>Unsigned 64 bits: a number in v1, in v2 a string of digits, because many JSON libraries cut such numbers.</summary>
    public ulong UInt64()
    {
        var digits = _reader.TokenType == JsonTokenType.Number || (_reader.TokenType == JsonTokenType.String && !_reader.ValueIsEscaped) ? _reader.ValueSpan : [];
        return PlainDigits(digits) && ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : throw Fault("must be digits");
    }

    /// <summary>The value's text, unchanged, as a slice of the message.</summary>
    public ReadOnlyMemory<byte> Raw()
    {
        var start = checked((int)_reader.TokenStartIndex);
        _reader.Skip();
        return _utf8[start..checked((int)_reader.BytesConsumed)];
    }

    public List<string> Strings(int max = int.MaxValue)
    {
        var items = new List<string>();
        var array = EnterArray();
        while (NextItem(array, items.Count))
            items.Add(items.Count < max ? String() : throw TooMany(array, max));
        LeaveArray(array);
        return items;
    }

    public List<long> Integers(long min, long max)
    {
        var items = new List<long>();
        var array = EnterArray();
        while (NextItem(array, items.Count))
            items.Add(Integer(min, max));
        LeaveArray(array);
        return items;
    }

    public List<Guid> Uuids(int max)
    {
        var items = new List<Guid>();
        var array = EnterArray();
        while (NextItem(array, items.Count))
            items.Add(items.Count < max ? Uuid() : throw TooMany(array, max));
        LeaveArray(array);
        return items;
    }

    /// <summary>An object whose members are keys with their last values.</summary>
    public Dictionary<string, uint?> LastValues()
    {
        var values = new Dictionary<string, uint?>(StringComparer.Ordinal);
        var parent = EnterObject();
        while (NextField())
        {
            var key = _reader.GetString()!;
            _field = Shortened.Of(key);
            _reader.Read();
            if (!values.TryAdd(key, UInt32OrNull()))
                throw Fault("is given twice");
            if (values.Count > WireNames.MaxNames)
                throw TooMany(parent, WireNames.MaxNames);
        }

        LeaveObject(parent);
        return values;
    }

    /// <summary>Enters the object the reader stands on; the result goes to <see cref="LeaveObject"/>.</summary>
    public Place EnterObject()
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Fault("must be an object");
        var outer = new Place(_depth, _field, _index);
        _parents[_depth] = outer;
        (_depth, _field, _index) = (_depth + 1, "", -1);
        return outer;
    }

    public void LeaveObject(Place outer) => (_depth, _field, _index) = outer;

    public Place EnterArray()
    {
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Fault("must be an array");
        return new Place(_depth, _field, -1);
    }

    /// <summary>Moves to the next item of an array, or past its end.</summary>
    public bool NextItem(Place array, int index)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.EndArray)
            return false;
        (_depth, _field, _index) = array with { Index = index };
        return true;
    }

    public void LeaveArray(Place array) => (_depth, _field, _index) = array;

    /// <summary>Text of a value that may be a number or a string of digits.</summary>
    public uint? SequenceValue()
    {
        if (_reader.TokenType == JsonTokenType.Number)
            return UInt32();
        var text = String();
        if (text == "*")
            return null;
        var digits = text.AsSpan(text.StartsWith('+') ? 1 : 0);
        return digits.Length > 0 && !digits.ContainsAnyExceptInRange('0', '9')
            && uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Fault("must be \"*\" or an integer from 0 to 4294967295");
    }

    private ProtocolException TooMany(Place list, int max)
    {
        (_depth, _field, _index) = list;
        return Fault(string.Create(CultureInfo.InvariantCulture, $"may have at most {max} entries"));
    }

    private static bool PlainDigits(ReadOnlySpan<byte> number) => !number.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    /// <summary>A step of the path to where the reader stands.</summary>
    /// <param name="Depth">How many steps are before it.</param>
    /// <param name="Field">The field; empty at the top.</param>
    /// <param name="Index">Which item of it, or -1.</param>
    internal readonly record struct Place(int Depth, string Field, int Index)
    {
        public void AppendTo(StringBuilder path)
        {
            if (Field.Length > 0)
                path.Append('.').Append(Field);
            if (Index >= 0)
                path.Append(CultureInfo.InvariantCulture, $"[{Index}]");
        }
    }

    /// <summary>As deep as messages are, apart from data, which is not read here.</summary>
    [InlineArray(8)]
    private struct Places
    {
        private Place _first;
    }
}
