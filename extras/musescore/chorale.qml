// The window: which bars, which of four versions. What is done is in chorale.js. Only plain Qt Quick, which all of MuseScore's
// versions have.
import QtQuick 2.2
import MuseScore 3.0
import FileIO 3.0
import "chorale.js" as Chorale

MuseScore {
    id: plugin
    menuPath: "Plugins.Chorale"
    description: "Harmonizes the selected bars in four parts by the program performer, and puts alto, tenor and bass into the score."
    version: "0.1"
    pluginType: "dialog"
    requiresScore: true
    width: 460
    height: 250

    property var found: null
    property int shown: -1
    property int seed: 0
    property bool failed: false
    property string said: "Select bars of a melody over empty staves, or of four parts that are to be found anew, and press Harmonize."

    QProcess { id: program }
    FileIO { id: file }

    function attempt(action) {
        try {
            failed = false
            action()
        } catch (trouble) {
            failed = true
            said = trouble.message
        }
    }

    function harmonize() {
        attempt(function () {
            seed += 1
            found = Chorale.find(curScore, { program: program, file: file, path: path.text, seed: seed })
            show(0)
        })
    }

    function show(version) {
        attempt(function () {
            var untied = []
            shown = version
            curScore.startCmd()
            try {
                untied = Chorale.put(curScore, found, version)
            } finally {
                curScore.endCmd()
            }
            said = found.words + ": version " + (version + 1) + " of " + found.versions.length +
                   "." + Chorale.untiedWords(found, untied)
        })
    }

    function openNew() {
        attempt(function () {
            if (!found) throw new Chorale.Trouble("Press Harmonize first.")
            Chorale.open(found, Math.max(shown, 0), file)
        })
    }

    Rectangle {
        anchors.fill: parent
        color: "#ffffff"

        Column {
            anchors.fill: parent
            anchors.margins: 16
            spacing: 14

            Text {
                width: parent.width
                height: 84
                wrapMode: Text.Wrap
                font.pixelSize: 14
                color: plugin.failed ? "#aa2200" : "#202020"
                text: plugin.said
            }

            Row {
                spacing: 8
                Repeater {
                    model: plugin.found ? plugin.found.versions.length : 0
                    delegate: Rectangle {
                        width: 48
                        height: 34
                        radius: 4
                        color: plugin.shown === index ? "#0077bb" : "#e4e4e4"
                        Text {
                            anchors.centerIn: parent
                            font.pixelSize: 14
                            color: plugin.shown === index ? "#ffffff" : "#202020"
                            text: index + 1
                        }
                        MouseArea { anchors.fill: parent; onClicked: plugin.show(index) }
                    }
                }
            }

            Row {
                spacing: 8
                Repeater {
                    model: [plugin.found ? "Others" : "Harmonize", "As a new score", "Take back", "Close"]
                    delegate: Rectangle {
                        width: label.implicitWidth + 28
                        height: 34
                        radius: 4
                        color: area.pressed ? "#c4c4c4" : "#e4e4e4"
                        Text { id: label; anchors.centerIn: parent; font.pixelSize: 14; text: modelData }
                        MouseArea {
                            id: area
                            anchors.fill: parent
                            onClicked: {
                                if (index === 0) plugin.harmonize()
                                else if (index === 1) plugin.openNew()
                                else if (index === 2) cmd("undo")
                                else Qt.quit()
                            }
                        }
                    }
                }
            }

            Row {
                spacing: 8
                Text { font.pixelSize: 12; text: "Program:" }
                TextInput {
                    id: path
                    width: 320
                    font.pixelSize: 12
                    color: "#404040"
                    Component.onCompleted: text = Chorale.place(file)
                }
            }
        }
    }
}
